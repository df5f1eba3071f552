/**
 * For stores: asking for a partition that `partitions` rules out is a mistake of the program, so it
 * is a defect.
 */
export const requirePartition = (partition: number, partitions: number): void => {
  if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return
  throw new RangeError(`partition ${partition}: this log has ${partitions}, numbered from 0`)
}
