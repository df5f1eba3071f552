/** Makes the same of the same value once, and forgets it with the value. */
export const once = <A extends object, B>(make: (value: A) => B): ((value: A) => B) => {
  const made = new WeakMap<A, { readonly of: B }>()
  return (value) => {
    const known = made.get(value)
    if (known !== undefined) return known.of
    const of = make(value)
    made.set(value, { of })
    return of
  }
}
