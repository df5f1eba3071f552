export * from "@millrace/fastify"
export { default } from "@millrace/fastify"
