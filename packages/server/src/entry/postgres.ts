export * from "@millrace/store-postgres"
