/** The button that switches between the system's colours, light and dark. */

import { useState } from "preact/hooks";
import { Icon } from "../components/icons";
import { applyTheme, chosenTheme, THEMES } from "./theme";

const LABELS = { auto: ["auto", "system"], light: ["sun", "light"], dark: ["moon", "dark"] } as const;

export function ThemeButton() {
  const [theme, setTheme] = useState(chosenTheme);
  const [icon, name] = LABELS[theme];
  const switchTheme = () => {
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
    applyTheme(next);
    setTheme(next);
  };
  return (
    <button
      type="button"
      class="plain"
      onClick={switchTheme}
      title="Switch between the system's colours, light and dark"
    >
      <Icon name={icon} /> Colours: {name}
    </button>
  );
}
