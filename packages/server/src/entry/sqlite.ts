export * from "@millrace/store-sqlite"
