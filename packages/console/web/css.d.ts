declare module "*.css"

declare module "*.txt?url" {
  const url: string
  // biome-ignore lint/style/noDefaultExport: it is how Vite gives the address of a file
  export default url
}
