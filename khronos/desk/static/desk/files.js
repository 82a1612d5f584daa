// Files that are to be sent with the next message: chosen, shown, taken back.

import { element } from "./markdown.js";

const MB = 1024 * 1024;

export class Files {
  #chosen = []; // as the server takes them, with their size
  #parts;
  #say;
  #limits;
  #onChange;
  #reading = 0;

  constructor(parts, say, limits, onChange) {
    this.#parts = parts;
    this.#say = say;
    this.#limits = limits;
    this.#onChange = onChange;
    parts.pick.addEventListener("click", () => parts.input.click());
    parts.input.addEventListener("change", () => {
      this.add([...parts.input.files]);
      parts.input.value = ""; // the same file may be chosen again
    });
  }

  get isEmpty() {
    return this.#chosen.length === 0;
  }

  get isBusy() {
    return this.#reading > 0;
  }

  // What does not fit is refused in words, before anything is sent.
  async add(files) {
    this.#reading += 1;
    this.#tell("");
    for (const file of files) {
      const reason = this.#refusal(file) || (await this.#choose(file));
      if (reason) this.#tell(`${file.name}: ${reason}`);
    }
    this.#reading -= 1;
    this.#show();
  }

  // None is chosen any more.
  take() {
    const files = this.#chosen.map(({ size, ...file }) => file);
    this.#chosen = [];
    this.#tell("");
    this.#show();
    return files;
  }

  async #choose(file) {
    try {
      this.#chosen.push({ name: file.name, media_type: file.type, data: await base64(file), size: file.size });
      return "";
    } catch {
      return this.#say.file_unreadable;
    }
  }

  #refusal(file) {
    if (!file.size) return this.#say.file_empty;
    const { count, bytes } = this.#limits;
    if (this.#chosen.length >= count) return this.#say.too_many_files.replace("{limit}", count);
    const size = this.#chosen.reduce((sum, each) => sum + each.size, file.size);
    return size > bytes ? this.#say.too_large.replace("{limit}", Math.floor(bytes / MB)) : "";
  }

  #show() {
    this.#parts.list.replaceChildren(...this.#chosen.map((file) => this.#row(file)));
    this.#parts.list.hidden = this.isEmpty;
    this.#onChange();
  }

  #tell(complaint) {
    this.#parts.told.textContent = complaint;
    this.#parts.told.hidden = !complaint;
  }

  #row(file) {
    const name = this.#say.remove_file.replace("{name}", () => file.name);
    const remove = element("button", { type: "button", "aria-label": name, title: name }, "×");
    remove.addEventListener("click", () => {
      this.#chosen = this.#chosen.filter((each) => each !== file);
      this.#tell("");
      this.#show();
      this.#parts.pick.focus();
    });
    return element("li", { class: "file" }, element("span", { dir: "auto" }, file.name), remove);
  }
}

async function base64(file) {
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
  return url.slice(url.indexOf(",") + 1);
}
