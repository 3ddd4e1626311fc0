/** The notifications of the signed-in user, or of another user for tokens without one. */

import { useState } from "preact/hooks";
import { read, send } from "../api/client";
import { notifyInboxChanged, useInboxChanges, useIsStreaming } from "../api/inbox-updates";
import type { List, Notification } from "../api/types";
import { useEntryState } from "../app/entries";
import { useSession } from "../app/session";
import { SeverityMark } from "../components/marks";
import { Empty, Failure, Waiting } from "../components/states";
import { Text } from "../components/value";
import { When } from "../components/when";
import { visible } from "../format/text";
import { useAction } from "../hooks/use-action";
import { useLoad } from "../hooks/use-load";
import { useNow } from "../hooks/use-now";
import { useTitle } from "../hooks/use-title";
import "./inbox-page.css";

const PAGE = 50;

export function InboxPage() {
  useTitle("Inbox");
  const { username, admin } = useSession();
  const now = useNow();
  const [unseen, setUnseen] = useEntryState("unseen", true);
  const [selectedUser, setSelectedUser] = useState("");
  const [limit, setLimit] = useEntryState("limit", PAGE);
  const owner = username ? undefined : selectedUser;
  const ready = username || selectedUser;
  const key = JSON.stringify([unseen, owner, limit]);
  // The stream covers only the signed-in user's own inbox.
  const streaming = useIsStreaming() && owner === undefined;
  const list = useLoad(
    key,
    (signal) =>
      ready
        ? read<List<Notification>>(
            "/v1/notifications",
            { username: owner, seen: unseen ? false : undefined, limit },
            signal,
          )
        : Promise.resolve({ results: [], next: null }),
    streaming ? 60_000 : 4_000,
  );
  useInboxChanges(list.reload);
  const action = useAction();
  const mark = (item: Notification, seen: boolean) =>
    action.run(async () => {
      await send("PATCH", `/v1/notifications/${encodeURIComponent(item.pk)}`, { seen }, { username: owner });
      notifyInboxChanged();
    });
  const markAll = () =>
    action.run(async () => {
      await send("POST", "/v1/notifications/mark_all_seen", undefined, { username: owner });
      notifyInboxChanged();
    });
  const items = list.data?.results ?? [];
  return (
    <div class="page narrow">
      <div class="page-head">
        <h1>Inbox</h1>
        <div class="segments" role="group" aria-label="Which notifications">
          <button type="button" aria-pressed={unseen} onClick={() => setUnseen(true)}>
            Unseen
          </button>
          <button type="button" aria-pressed={!unseen} onClick={() => setUnseen(false)}>
            All
          </button>
        </div>
        <button type="button" disabled={action.busy || !items.some((item) => !item.seen)} onClick={markAll}>
          Mark all as seen
        </button>
      </div>
      {!username && admin && (
        <label class="inline">
          User{" "}
          <input
            value={selectedUser}
            onChange={(change) => setSelectedUser(change.currentTarget.value)}
            placeholder="username"
          />
        </label>
      )}
      {action.problem && <Failure problem={action.problem} />}
      {list.problem && !list.data && <Failure problem={list.problem} retry={list.reload} />}
      {!list.data && !list.problem && <Waiting />}
      <ul class="card-list">
        {items.map((item) => (
          <li key={item.pk} class={item.seen ? "notification" : "notification unseen"}>
            <div class="notification-head">
              <SeverityMark severity={item.severity} />
              <bdi class="notification-action">{item.action}</bdi>
              <span class="dim">
                by rule <bdi>{visible(item.rule)}</bdi>
              </span>
              <span class="dim notification-when">
                <When at={item.created} now={now} short />
              </span>
            </div>
            <p class="notification-body">
              <Text text={item.body} />
            </p>
            <div class="notification-foot">
              <a href={`/events/${item.event}`} onClick={() => !item.seen && void mark(item, true)}>
                Show the event
              </a>
              {item.hyperlink &&
                /^https?:/.test(item.hyperlink) &&
                !item.hyperlink.includes(`/events/${item.event}`) && (
                  <a href={item.hyperlink} target="_blank" rel="noreferrer noopener">
                    {visible(item.hyperlink_label ?? "Open")}
                  </a>
                )}
              <button type="button" class="plain" disabled={action.busy} onClick={() => mark(item, !item.seen)}>
                {item.seen ? "Mark as unseen" : "Mark as seen"}
              </button>
            </div>
          </li>
        ))}
      </ul>
      {list.data?.next && (
        <button type="button" onClick={() => setLimit(Math.min(1000, limit + 200))}>
          Show more
        </button>
      )}
      {list.data && !items.length && (
        <Empty title={unseen ? "No unseen notifications" : "No notifications yet"}>
          {unseen ? (
            <button type="button" onClick={() => setUnseen(false)}>
              Show seen notifications
            </button>
          ) : (
            <p>
              A <a href="/rules">rule</a> adds a notification here when it notifies you or a group of yours by a
              transport of mode <code>local</code>.
            </p>
          )}
        </Empty>
      )}
    </div>
  );
}
