export * from "@millrace/statsig"
