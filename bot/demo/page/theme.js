// Light, dark, or as the system has it.

import {find, setText} from "./dom.js";

const KEY = "aftercare-theme";
const NEXT = {auto: "light", light: "dark", dark: "auto"};
const NAMES = {auto: "Auto", light: "Light", dark: "Dark"};

export function createTheme() {
  let theme = localStorage.getItem(KEY);
  if (!NEXT[theme]) theme = "auto";
  const show = () => {
    document.documentElement.dataset.theme = theme;
    setText(find("#theme-name"), NAMES[theme]);
    find("#theme").setAttribute("aria-label", `Colours: ${NAMES[theme]}`);
  };
  find("#theme").addEventListener("click", () => {
    theme = NEXT[theme];
    localStorage.setItem(KEY, theme);
    show();
  });
  show();
}
