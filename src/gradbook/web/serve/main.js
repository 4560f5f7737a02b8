// The page on one's own machine: workbooks are dropped or chosen, a network is typed in.

import { takeFiles } from "../class/files.js"
import { BookClass } from "./books.js"
import { workClass } from "./classroom.js"
import { Texts } from "./texts.js"

const books = new BookClass()
new Texts()
if (document.getElementById("begin")) workClass()
takeFiles(given => books.take(given))
