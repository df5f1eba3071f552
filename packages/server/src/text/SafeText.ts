export { printable, safeJson as json } from "@millrace/core/host"
