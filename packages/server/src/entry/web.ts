export * from "@millrace/web"
