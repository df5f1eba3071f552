export * from "@millrace/testkit"
