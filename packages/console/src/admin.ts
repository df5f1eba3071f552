/** What the command needs of the admin API: its table, who answers it, and how it is served. */
export * as Admin from "./admin/Admin.ts"
export * as AdminApi from "./admin/AdminApi.ts"
export * as AdminHttp from "./admin/AdminHttp.ts"
export * as Processes from "./admin/processes.ts"
export * as Streams from "./admin/Streams.ts"
export * as Console from "./Console.ts"
export * as ByteText from "./text/ByteText.ts"
export * as TimeText from "./text/TimeText.ts"
