/** Shown while the log is empty: how to post the first event. */

import { send } from "../api/client";
import { useSession } from "../app/session";
import { Empty, Failure } from "../components/states";
import { useAction } from "../hooks/use-action";

const EXAMPLE = {
  action: "configuration_error",
  context: { message: "The mail relay is unreachable (an example)" },
};

export function FirstEvent({ done }: { done: () => void }) {
  const { admin } = useSession();
  const action = useAction();
  const post = () =>
    action.run(async () => {
      await send("POST", "/v1/events", EXAMPLE);
      done();
    });
  const command = `curl ${location.origin}/v1/events -H 'Content-Type: application/json' \\\n  -H "Authorization: Bearer $NUNCIO_TOKEN" \\\n  -d '{"action": "login", "user": {"username": "ann"}}'`;
  return (
    <Empty title="No events yet">
      <p>Post one from a shell, with a token of scope ingest:</p>
      <pre>{command}</pre>
      {admin && (
        <button type="button" class="primary" disabled={action.busy} onClick={post}>
          Or post an example now
        </button>
      )}
      {action.problem && (
        // On AWS, the function that serves the console does not accept events.
        <Failure
          problem={
            action.problem.missing
              ? Object.assign(action.problem, {
                  detail: "Events are accepted at another address here: that of the ingest function.",
                })
              : action.problem
          }
        />
      )}
    </Empty>
  );
}
