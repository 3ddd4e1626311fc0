/** The frame around every page: the navigation, the signed-in user, and the page that the address names. */

import { useEffect, useState } from "preact/hooks";
import { read, whenReached } from "../api/client";
import { StreamingContext, useInboxChanges, useInboxStream } from "../api/inbox-updates";
import type { List, Notification } from "../api/types";
import { Icon } from "../components/icons";
import { Empty } from "../components/states";
import { EventPage } from "../event/event-page";
import { EventsPage } from "../events/events-page";
import { clock } from "../format/time";
import { useLoad } from "../hooks/use-load";
import { useUnseenInTitle } from "../hooks/use-title";
import { useRestoredPosition } from "./entries";
import "./frame.css";
import { lazy } from "./lazy";
import { followLinks, PAGES, type PageName, type Route, useRoute } from "./routes";
import { useSession } from "./session";
import { ThemeButton } from "./theme-button";

const Overview = lazy(() => import("../overview/overview-page").then((page) => page.OverviewPage));
const Inbox = lazy(() => import("../inbox/inbox-page").then((page) => page.InboxPage));
const Deliveries = lazy(() => import("../deliveries/deliveries-page").then((page) => page.DeliveriesPage));
const Rules = lazy(() => import("../rules/rules-page").then((page) => page.RulesPage));
const Transports = lazy(() => import("../transports/transports-page").then((page) => page.TransportsPage));
const Silences = lazy(() => import("../silences/silences-page").then((page) => page.SilencesPage));

export function Frame({ signOut }: { signOut: () => void }) {
  const route = useRoute();
  const session = useSession();
  const [menuOpen, setMenuOpen] = useState(false);
  const streaming = useInboxStream(session.username !== null);
  const unseen = useLoad(
    "unseen",
    (signal) => read<List<Notification>>("/v1/notifications", { seen: false, limit: 100 }, signal),
    streaming ? 60_000 : 10_000,
    60_000,
  );
  useInboxChanges(unseen.reload);
  useEffect(() => setMenuOpen(false), [route]);
  useRestoredPosition(route);
  const count = unseen.data?.results.length ?? 0;
  useUnseenInTitle(count);
  return (
    // biome-ignore lint/a11y: handles clicks on the links inside, which bubble; it is not interactive itself
    <div class="frame" onClick={followLinks}>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="side">
        <div class="brand">
          <a href="/events" class="brand-name">
            Nuncio
          </a>
          <button
            type="button"
            class="plain menu-button"
            aria-expanded={menuOpen}
            aria-controls="menu"
            onClick={() => setMenuOpen(!menuOpen)}
          >
            <Icon name="menu" /> {route.page ? PAGES[route.page] : "Menu"} <UnseenBadge count={count} />
          </button>
        </div>
        <div id="menu" class={menuOpen ? "menu open" : "menu"}>
          <nav aria-label="Pages">
            {(Object.keys(PAGES) as PageName[]).map((page) => (
              <a key={page} href={`/${page}`} class="nav-link" aria-current={route.page === page ? "page" : undefined}>
                <Icon name={page} />
                {PAGES[page]}
                {page === "inbox" && <UnseenBadge count={count} />}
              </a>
            ))}
          </nav>
          <div class="side-foot">
            <p class="signed-in-user" title={`Signed in with a token of scope ${session.scopes.join(", ")}`}>
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
        <OfflineNotice />
        <StreamingContext.Provider value={streaming}>
          <Page route={route} />
        </StreamingContext.Provider>
      </main>
    </div>
  );
}

/** While Nuncio does not respond, the pages keep showing their last data. This notice says that it may be out of date. */
function OfflineNotice() {
  const [since, setSince] = useState<Date>();
  useEffect(() => whenReached((reached) => setSince((before) => (reached ? undefined : (before ?? new Date())))), []);
  return (
    <div role="status">
      {since && (
        <p class="offline-notice">
          <Icon name="again" /> Nuncio has not responded since {clock(since)}. The data shown may be out of date.
          Retrying…
        </p>
      )}
    </div>
  );
}

function UnseenBadge({ count }: { count: number }) {
  if (!count) return null;
  return (
    <span class="badge">
      {count > 99 ? "99+" : count}
      <span class="hidden"> unseen</span>
    </span>
  );
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case "events":
      return route.id ? <EventPage key={route.id} pk={route.id} /> : <EventsPage query={route.query} />;
    case "overview":
      return <Overview query={route.query} />;
    case "inbox":
      return <Inbox />;
    case "deliveries":
      return <Deliveries query={route.query} />;
    case "rules":
      return <Rules query={route.query} />;
    case "transports":
      return <Transports />;
    case "silences":
      return <Silences query={route.query} />;
    default:
      return (
        <Empty title="This page does not exist">
          <a href="/events">Go to the events</a>
        </Empty>
      );
  }
}
