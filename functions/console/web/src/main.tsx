import "./styles/base.css";
import "./styles/layout.css";
import "./styles/forms.css";
import "./styles/tables.css";
import { render } from "preact";
import { App } from "./app/app";
import { trackEntries } from "./app/entries";
import { applyTheme, chosenTheme } from "./app/theme";

applyTheme(chosenTheme());
trackEntries();
const root = document.getElementById("console");
if (root) render(<App />, root);
