/** Samples by name, in the order of the rounds. */
export class Series {
  readonly all: Record<string, number[]> = {}
  add(name: string, value: number): void {
    this.all[name] = [...this.of(name), value]
  }
  of(name: string): number[] {
    return this.all[name] ?? []
  }
  last(name: string): number {
    return this.of(name).at(-1) ?? Number.NaN
  }
}
