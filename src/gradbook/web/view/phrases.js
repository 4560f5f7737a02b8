// What the page says about sharing and learning, in one place for whoever translates it.

export const PHRASES = {
  broken: "This link is broken or holds no network of this page: nothing was changed.",
  tooLong: "This link holds more than a page takes: nothing was changed.",
  anotherNetwork: "This link is of another network, and this page can't build networks.",
  share: {
    link: "Copy link", frame: "Embed", svg: "Picture (SVG)", png: "Picture (PNG)", film: "Record",
    workbook: "As workbook", derivation: "As derivation",
  },
  copied: "Copied.",
  toCopy: "Copy it from this field.",
  stopFilm: "Cancel",
  drawsMasks: "A workbook draws no masks: write “dropout 0” first.",
  tooLarge: "This network is too large for a workbook made in the page: take the command below.",
}
