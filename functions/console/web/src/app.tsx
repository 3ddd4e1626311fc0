/** The frame around every page: who is signed in, where one can go, which page is shown. */

import { useEffect, useState } from "preact/hooks";
import { Problem, read, send, whenReached, whenSignedOut } from "./api";
import { useLoad, useUnreadInTitle } from "./hooks";
import { lazy } from "./lazy";
import { LiveContext, useChanged, useLive } from "./live";
import { EventPage } from "./pages/event";
import { EventsPage } from "./pages/events";
import { SignIn } from "./pages/sign-in";
import { Icon } from "./parts/icons";
import { Empty, Failure } from "./parts/states";
import { ThemeButton } from "./parts/theme-button";
import { PAGES, type PageName, type Place, followLinks, usePlace } from "./routes";
import { SessionContext, useSession } from "./session";
import { clock } from "./time";
import type { InboxItem, List, Session } from "./types";

const Overview = lazy(() => import("./pages/overview").then((page) => page.OverviewPage));
const Inbox = lazy(() => import("./pages/inbox").then((page) => page.InboxPage));
const Deliveries = lazy(() => import("./pages/deliveries").then((page) => page.DeliveriesPage));
const Rules = lazy(() => import("./pages/rules").then((page) => page.RulesPage));
const Transports = lazy(() => import("./pages/transports").then((page) => page.TransportsPage));
const Silences = lazy(() => import("./pages/silences").then((page) => page.SilencesPage));

type Standing = { kind: "asking" } | { kind: "out"; ended: boolean } | { kind: "in"; session: Session } | { kind: "failed"; problem: Problem };

export function App() {
  const [standing, setStanding] = useState<Standing>({ kind: "asking" });
  const ask = () => {
    setStanding({ kind: "asking" });
    read<Session>("/v1/session").then(
      (session) => setStanding({ kind: "in", session }),
      (error: unknown) => {
        const problem = error instanceof Problem ? error : new Problem(0, String(error));
        setStanding(problem.status === 401 || problem.status === 403 ? { kind: "out", ended: false } : { kind: "failed", problem });
      },
    );
  };
  useEffect(ask, []);
  useEffect(() => whenSignedOut(() => setStanding((before) => ({ kind: "out", ended: before.kind === "in" }))), []);
  const signOut = async () => {
    await send("DELETE", "/v1/session").catch(() => undefined);
    setStanding({ kind: "out", ended: false });
  };
  if (standing.kind === "asking") return null;
  if (standing.kind === "failed") return <main class="sign-in"><Failure problem={standing.problem} retry={ask} /></main>;
  if (standing.kind === "out") return <SignIn ended={standing.ended} done={(session) => setStanding({ kind: "in", session })} />;
  return (
    <SessionContext.Provider value={standing.session}>
      <Frame signOut={signOut} />
    </SessionContext.Provider>
  );
}

function Frame({ signOut }: { signOut: () => void }) {
  const place = usePlace();
  const session = useSession();
  const [open, setOpen] = useState(false);
  const live = useLive(session.username !== null);
  const unread = useLoad("unread", (signal) => read<List<InboxItem>>("/v1/notifications", { seen: false, limit: 100 }, signal), live ? 60_000 : 10_000, 60_000);
  useChanged(unread.reload);
  useEffect(() => setOpen(false), [place]);
  const waiting = unread.data?.results.length ?? 0;
  useUnreadInTitle(waiting);
  return (
    <div class="frame" onClick={followLinks}>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="side">
        <div class="brand">
          <a href="/events" class="brand-name">
            Nuncio
          </a>
          <button type="button" class="plain menu-button" aria-expanded={open} aria-controls="menu" onClick={() => setOpen(!open)}>
            <Icon name="menu" /> {place.page ? PAGES[place.page] : "Menu"} <Unread waiting={waiting} />
          </button>
        </div>
        <div id="menu" class={open ? "menu open" : "menu"}>
          <nav aria-label="Pages">
            {(Object.keys(PAGES) as PageName[]).map((page) => (
              <a key={page} href={`/${page}`} class="nav-link" aria-current={place.page === page ? "page" : undefined}>
                <Icon name={page} />
                {PAGES[page]}
                {page === "inbox" && <Unread waiting={waiting} />}
              </a>
            ))}
          </nav>
          <div class="side-foot">
            <p class="me" title={`Signed in by a token of scope ${session.scopes.join(", ")}`}>
              <bdi>{session.username ?? "no user"}</bdi>
              <span class="dim">{session.admin ? "full access" : "read only"}</span>
            </p>
            <ThemeButton />
            <button type="button" class="plain" onClick={signOut}>
              <Icon name="leave" /> Sign out
            </button>
          </div>
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        <Lost />
        <LiveContext.Provider value={live}>
          <Shown place={place} />
        </LiveContext.Provider>
      </main>
    </div>
  );
}

/** What is shown stays when Nuncio is gone; that it is old must be said. */
function Lost() {
  const [since, setSince] = useState<Date>();
  useEffect(() => whenReached((reached) => setSince((before) => (reached ? undefined : (before ?? new Date())))), []);
  return (
    <div role="status">
      {since && (
        <p class="lost">
          <Icon name="again" /> Nuncio has not answered since {clock(since)}; what is shown may be old. Trying again by itself.
        </p>
      )}
    </div>
  );
}

function Unread({ waiting }: { waiting: number }) {
  if (!waiting) return null;
  return (
    <span class="badge">
      {waiting > 99 ? "99+" : waiting}
      <span class="hidden"> unread</span>
    </span>
  );
}

function Shown({ place }: { place: Place }) {
  switch (place.page) {
    case "events":
      return place.id ? <EventPage key={place.id} pk={place.id} /> : <EventsPage query={place.query} />;
    case "overview":
      return <Overview query={place.query} />;
    case "inbox":
      return <Inbox />;
    case "deliveries":
      return <Deliveries query={place.query} />;
    case "rules":
      return <Rules query={place.query} />;
    case "transports":
      return <Transports />;
    case "silences":
      return <Silences query={place.query} />;
    default:
      return (
        <Empty title="There is no such page">
          <a href="/events">Go to the events</a>
        </Empty>
      );
  }
}
