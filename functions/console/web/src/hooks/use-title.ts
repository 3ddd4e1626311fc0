/** The title of the browser's tab: the page's name and the number of unseen notifications. */

import { useEffect } from "preact/hooks";

let unseen = 0;
let pageTitle = "";

function writeTitle(): void {
  document.title = `${unseen ? `(${unseen > 99 ? "99+" : unseen}) ` : ""}${pageTitle} · Nuncio`;
}

export function useTitle(title: string): void {
  useEffect(() => {
    pageTitle = title;
    writeTitle();
  }, [title]);
}

/** Shows the number in the tab's title too, for users who look at another tab. */
export function useUnseenInTitle(count: number): void {
  useEffect(() => {
    unseen = count;
    writeTitle();
  }, [count]);
}
