export * from "@millrace/store-redis"
