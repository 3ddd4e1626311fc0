/** The changes to a model, field by field. Signs and columns show before and after, not only colours. */

import type { Json, LoggedEvent } from "../api/types";
import { Panel } from "../components/panel";
import { Text, Value } from "../components/value";
import { isObject, modelOf, visible } from "../format/text";
import { type FieldChange, fieldChanges } from "./field-changes";
import "./field-changes-panel.css";

export function FieldChangesPanel({ event }: { event: LoggedEvent }) {
  const object = modelOf(event)?.name;
  return (
    <Panel title="What changed">
      {object && <p class="dim">{visible(object)}</p>}
      <table class="grid-table field-changes">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {fieldChanges(event.context.diff).map((change) => (
            <tr key={change.field}>
              <th scope="row">
                <bdi>{visible(change.field)}</bdi>
              </th>
              <Sides change={change} />
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function Sides({ change }: { change: FieldChange }) {
  if (!change.relation) {
    return (
      <>
        <td class={change.before === null || change.before === undefined ? "" : "removed"}>
          <Side value={change.before} />
        </td>
        <td class={change.after === null || change.after === undefined ? "" : "added"}>
          <Side value={change.after} />
        </td>
      </>
    );
  }
  const members = (kind: string) => change.relation?.find((one) => one.kind === kind)?.members;
  const others = change.relation.filter(({ kind }) => kind !== "add" && kind !== "remove");
  const [removed, added] = [members("remove"), members("add")];
  return (
    <>
      <td class={removed === undefined ? "" : "removed"}>
        {removed !== undefined && <Side value={removed} />}
        {others.map(({ kind }) => (
          <div key={kind}>{visible(kind)}</div>
        ))}
      </td>
      <td class={added === undefined ? "" : "added"}>{added !== undefined && <Side value={added} />}</td>
    </>
  );
}

/** In half a table's width, a nested value is shown as JSON. */
function Side({ value }: { value: Json | undefined }) {
  const parts =
    isObject(value) || (Array.isArray(value) && value.some((one) => typeof one === "object" && one !== null));
  if (!parts) return <Value value={value} />;
  return (
    <code class="json">
      <Text text={JSON.stringify(value, null, 1)} />
    </code>
  );
}
