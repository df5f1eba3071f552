import { BaseSequencer, type TestSpecification } from "vitest/node"

/** What takes minutes: contracts of stores, and servers under faults. */
const isLong = ({ moduleId }: TestSpecification): boolean =>
  /store-\w+\.(contract|faults|volume)|\/e2e\/(stores|commands|serve|disk|workers|sqlite)|\/browser\//.test(
    moduleId,
  )

/**
 * Begins with the files that take longest. A fresh checkout does not know which these are, and
 * would begin with the largest: the smallest, which call a contract, would run alone at the end.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}
