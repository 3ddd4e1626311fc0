/** The root component: finds out who is signed in and shows the console or the sign-in page. */

import { useEffect, useState } from "preact/hooks";
import { Problem, read, send, whenSignedOut } from "../api/client";
import type { Session } from "../api/types";
import { Failure } from "../components/states";
import { Frame } from "./frame";
import { SessionContext } from "./session";
import { SignIn } from "./sign-in";

type SignInState =
  | { kind: "loading" }
  | { kind: "signed-out"; ended: boolean }
  | { kind: "signed-in"; session: Session }
  | { kind: "failed"; problem: Problem };

export function App() {
  const [state, setState] = useState<SignInState>({ kind: "loading" });
  const loadSession = () => {
    setState({ kind: "loading" });
    read<Session>("/v1/session").then(
      (session) => setState({ kind: "signed-in", session }),
      (error: unknown) => {
        const problem = error instanceof Problem ? error : new Problem(0, String(error));
        const refused = problem.status === 401 || problem.status === 403;
        setState(refused ? { kind: "signed-out", ended: false } : { kind: "failed", problem });
      },
    );
  };
  useEffect(loadSession, []);
  useEffect(
    () => whenSignedOut(() => setState((before) => ({ kind: "signed-out", ended: before.kind === "signed-in" }))),
    [],
  );
  const signOut = async () => {
    await send("DELETE", "/v1/session").catch(() => undefined);
    setState({ kind: "signed-out", ended: false });
  };
  switch (state.kind) {
    case "loading":
      return null;
    case "failed":
      return (
        <main class="sign-in">
          <Failure problem={state.problem} retry={loadSession} />
        </main>
      );
    case "signed-out":
      return <SignIn ended={state.ended} done={(session) => setState({ kind: "signed-in", session })} />;
    case "signed-in":
      return (
        <SessionContext.Provider value={state.session}>
          <Frame signOut={signOut} />
        </SessionContext.Provider>
      );
  }
}
