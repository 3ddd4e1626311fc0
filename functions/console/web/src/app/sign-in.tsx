/** The sign-in page: exchanges a token for a session. */

import { useState } from "preact/hooks";
import { read, send } from "../api/client";
import type { Session, SignInHelp } from "../api/types";
import { Failure } from "../components/states";
import { visible } from "../format/text";
import { useAction } from "../hooks/use-action";
import { useLoad } from "../hooks/use-load";
import { useTitle } from "../hooks/use-title";
import { ThemeButton } from "./theme-button";
import "./sign-in.css";

export function SignIn({ ended, done }: { ended: boolean; done: (session: Session) => void }) {
  useTitle("Sign in");
  const [token, setToken] = useState("");
  const action = useAction();
  const help = useLoad("help", (signal) => read<SignInHelp>("/v1/session/help", {}, signal));
  const submit = (event: Event) => {
    event.preventDefault();
    void action.run(async () => done(await send<Session>("POST", "/v1/session", { token })));
  };
  return (
    <main class="sign-in">
      <form class="panel" onSubmit={submit}>
        <h1>Nuncio</h1>
        <p class="dim">The event log, and who was notified of what.</p>
        {ended && <p role="status">Your session has ended. Sign in again to continue.</p>}
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          value={token}
          aria-describedby="token-hint"
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <div id="token-hint" class="dim">
          <p>Nuncio printed a token at its first start. To create another one, run this on its machine:</p>
          <pre tabIndex={0}>{visible(help.data?.command ?? "nuncio token create --scope read --username you")}</pre>
          <p>
            A token with <code>--scope admin</code> may also make changes here.
          </p>
        </div>
        {action.problem && <Failure problem={action.problem} />}
        <button type="submit" class="primary" disabled={action.busy || !token}>
          Sign in
        </button>
        <ThemeButton />
      </form>
    </main>
  );
}
