// The page of a local server: workbooks are dropped or chosen, a network is typed.

import { takeFiles } from "../class/files.js"
import { BookClass } from "./books.js"
import { workClass } from "./classroom.js"
import { Texts } from "./texts.js"

const books = new BookClass()
new Texts()
if (document.getElementById("begin")) workClass()
takeFiles(given => books.take(given))
