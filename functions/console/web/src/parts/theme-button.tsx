import { useState } from "preact/hooks";
import { THEMES, applyTheme, chosenTheme } from "../theme";
import { Icon } from "./icons";

const FACES = { auto: ["auto", "As the system"], light: ["sun", "Light"], dark: ["moon", "Dark"] } as const;

export function ThemeButton() {
  const [theme, setTheme] = useState(chosenTheme);
  const [icon, name] = FACES[theme];
  const turn = () => {
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
    applyTheme(next);
    setTheme(next);
  };
  return (
    <button type="button" class="plain" onClick={turn} title="Change the colours">
      <Icon name={icon} /> {name}
      <span class="hidden"> colours</span>
    </button>
  );
}
