/** The door: a token becomes a session. */

import { useState } from "preact/hooks";
import { send } from "../api";
import { useAction, useTitle } from "../hooks";
import { Failure } from "../parts/states";
import { ThemeButton } from "../parts/theme-button";
import type { Session } from "../types";

export function SignIn({ ended, done }: { ended: boolean; done: (session: Session) => void }) {
  useTitle("Sign in");
  const [token, setToken] = useState("");
  const action = useAction();
  const submit = (event: Event) => {
    event.preventDefault();
    void action.run(async () => done(await send<Session>("POST", "/v1/session", { token })));
  };
  return (
    <main class="sign-in">
      <form class="panel" onSubmit={submit}>
        <h1>Nuncio</h1>
        <p class="dim">The event log, and who was told of what.</p>
        {ended && <p role="status">The session is over. Sign in again to go on where you were.</p>}
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
          <p>Nuncio printed one at its first start. To make another, on its machine:</p>
          <pre>nuncio token create --scope read --username you</pre>
          <p>
            Run it in the folder that Nuncio was started in, or name its data folder with <code>--data</code>; for a
            stack on AWS, its table with <code>--table</code>. With <code>--scope admin</code> it may also change things
            here.
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
