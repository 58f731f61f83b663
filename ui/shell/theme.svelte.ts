/** Light or dark: the system's choice until the reader makes one; theme.js paints it first. */

const KEY = "hindsight.theme";

class Theme {
  #chosen = $state(localStorage.getItem(KEY));
  /** Paper is light. */
  #prints = $state(matchMedia("print").matches);
  #system = $state(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

  constructor() {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => {
      this.#system = matches ? "dark" : "light";
      this.#show();
    });
    matchMedia("print").addEventListener("change", ({ matches }) => {
      this.#prints = matches;
      this.#show();
    });
  }

  get now(): string {
    return this.#prints ? "light" : (this.#chosen ?? this.#system);
  }

  turn(): void {
    this.#chosen = this.now === "dark" ? "light" : "dark";
    localStorage.setItem(KEY, this.#chosen);
    this.#show();
  }

  #show(): void {
    document.documentElement.dataset["theme"] = this.now;
  }
}

export const theme = new Theme();
