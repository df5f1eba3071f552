export * from "@millrace/express"
