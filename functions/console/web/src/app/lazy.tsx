/** Pages whose code is loaded when they are first shown. */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Problem } from "../api/client";
import { Failure, Waiting } from "../components/states";

/** A component that is loaded from its own file. Shows a placeholder until then. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return function Lazy(properties: P) {
    const [state, setState] = useState<{ problem?: Problem }>({});
    useEffect(() => {
      if (loaded) return;
      load().then(
        (component) => {
          loaded = component;
          setState({});
        },
        () =>
          setState({
            problem: new Problem(0, "This page could not be loaded. If Nuncio was updated, reload the console."),
          }),
      );
    }, []);
    if (loaded) {
      const Component = loaded;
      return <Component {...properties} />;
    }
    return state.problem ? <Failure problem={state.problem} retry={() => location.reload()} /> : <Waiting />;
  };
}
