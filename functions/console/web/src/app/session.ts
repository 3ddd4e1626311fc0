/** The signed-in user's session, available to every component. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Session } from "../api/types";

export const SessionContext = createContext<Session>({ username: null, scopes: [] });

export function useSession(): Session & { admin: boolean } {
  const session = useContext(SessionContext);
  return { ...session, admin: session.scopes.includes("admin") };
}
