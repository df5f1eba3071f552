export * from "@millrace/console"
