import { useState } from "preact/hooks";
import { THEMES, applyTheme, chosenTheme } from "../theme";
import { Icon } from "./icons";

const FACES = { auto: ["auto", "system"], light: ["sun", "light"], dark: ["moon", "dark"] } as const;

export function ThemeButton() {
  const [theme, setTheme] = useState(chosenTheme);
  const [icon, name] = FACES[theme];
  const turn = () => {
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
    applyTheme(next);
    setTheme(next);
  };
  return (
    <button type="button" class="plain" onClick={turn} title="Change between the system's colours, light and dark">
      <Icon name={icon} /> Colours: {name}
    </button>
  );
}
