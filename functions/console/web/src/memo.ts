/** A component that is drawn again only when it has to be. */

import { Component, type ComponentType, createElement } from "preact";

export function memo<P extends object>(Inner: ComponentType<P>, same: (before: P, after: P) => boolean): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return !same(this.props as P, next);
    }
    render() {
      return createElement(Inner, this.props as P);
    }
  } as unknown as ComponentType<P>;
}
