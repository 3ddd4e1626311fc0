import "./styles/base.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/pages.css";
import { render } from "preact";
import { App } from "./app";
import { applyTheme, chosenTheme } from "./theme";

applyTheme(chosenTheme());
const root = document.getElementById("console");
if (root) render(<App />, root);
