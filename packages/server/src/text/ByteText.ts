const megabyte = 1024 * 1024

/** "3 KiB", "1.5 MiB", "10.0 GiB"; rounded up below a MiB. */
export const format = (count: number): string =>
  count >= 1024 * megabyte
    ? `${(count / 1024 / megabyte).toFixed(1)} GiB`
    : count >= megabyte
      ? `${(count / megabyte).toFixed(1)} MiB`
      : `${Math.ceil(count / 1024)} KiB`
