export * from "@millrace/store-nats"
