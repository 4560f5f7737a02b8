// Recalculates a workbook by HyperFormula: {sheets, names} as JSON in, {sheet: rows of values} out.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [file, modules] = process.argv.slice(2);
const { HyperFormula } = createRequire(`${modules}/`)("hyperformula");
const book = JSON.parse(readFileSync(file, "utf8"));
const names = Object.entries(book.names).map(([name, expression]) => ({ name, expression }));
const rules = {
  licenseKey: "gpl-v3",
  useArrayArithmetic: true, // as in SUMPRODUCT(MAX(ABS(A1:A9)))
  smartRounding: false,
  precisionRounding: 14,
};
const engine = HyperFormula.buildFromSheets(book.sheets, rules, names);

function plain(value) {
  return value !== null && typeof value === "object" ? `${value.value} ${value.message}` : value;
}

const found = Object.keys(book.sheets).map((name) => {
  const rows = engine.getSheetValues(engine.getSheetId(name));
  return [name, rows.map((row) => row.map(plain))];
});
process.stdout.write(JSON.stringify(Object.fromEntries(found)));
