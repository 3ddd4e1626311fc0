/** Pages that are fetched when they are first shown. */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Problem } from "./api";
import { Failure, Waiting } from "./parts/states";

/** A component that comes with a file of its own. */
export function lazy<P extends object>(fetch: () => Promise<ComponentType<P>>): ComponentType<P> {
  let fetched: ComponentType<P> | undefined;
  return function Lazy(properties: P) {
    const [state, setState] = useState<{ failed?: Problem }>({});
    useEffect(() => {
      if (fetched) return;
      fetch().then(
        (component) => {
          fetched = component;
          setState({});
        },
        () => setState({ failed: new Problem(0, "This page could not be loaded. If Nuncio was updated, load the console anew.") }),
      );
    }, []);
    if (fetched) {
      const Component = fetched;
      return <Component {...properties} />;
    }
    return state.failed ? <Failure problem={state.failed} retry={() => location.reload()} /> : <Waiting />;
  };
}
