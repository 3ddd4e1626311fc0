/** Who is signed in, for whatever asks. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Session } from "./types";

export const SessionContext = createContext<Session>({ username: null, scopes: [] });

export function useSession(): Session & { admin: boolean } {
  const session = useContext(SessionContext);
  return { ...session, admin: session.scopes.includes("admin") };
}
