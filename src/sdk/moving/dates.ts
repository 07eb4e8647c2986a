// Dates of other programs, in the forms of docs/protocol.md, "Item content".

/** `YYYY-MM` of a month and a year; of anything else what there is, as it is. A year of two digits is of this century. */
export function expiryOf(month: string, year: string): string {
  const [monthNumber, yearNumber] = [Number(month), Number(year)]
  const isMonth = /^\d{1,2}$/.test(month) && monthNumber >= 1 && monthNumber <= 12
  if (!isMonth || !/^(\d{2}|\d{4})$/.test(year)) return [month, year].filter((text) => text !== '').join('/')
  return `${yearNumber < 100 ? 2000 + yearNumber : year}-${month.padStart(2, '0')}`
}
