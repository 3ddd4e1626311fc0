/** Runs a request that the user has asked for, such as a button's. */

import { useCallback, useState } from "preact/hooks";
import { Problem } from "../api/client";

export interface Action {
  busy: boolean;
  /** Why the last run failed. */
  problem?: Problem;
  /** Runs `act`. Resolves to whether it succeeded; a failure becomes `problem`. */
  run: (act: () => Promise<unknown>) => Promise<boolean>;
}

export function useAction(): Action {
  const [state, setState] = useState<{ busy: boolean; problem?: Problem }>({ busy: false });
  const run = useCallback(async (act: () => Promise<unknown>) => {
    setState({ busy: true });
    try {
      await act();
      setState({ busy: false });
      return true;
    } catch (error) {
      setState({ busy: false, problem: error instanceof Problem ? error : new Problem(0, String(error)) });
      return false;
    }
  }, []);
  return { ...state, run };
}
