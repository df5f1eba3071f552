import { Page } from "../../parts/Page.tsx"

export const Overview = () => (
  <Page title="Overview">
    <h1>Overview</h1>
  </Page>
)
