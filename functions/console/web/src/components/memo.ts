/** Wraps a component so that it renders only if `same` says that its properties have changed. */

import { Component, type ComponentType, createElement } from "preact";

export function memo<P extends object>(
  Inner: ComponentType<P>,
  same: (before: P, after: P) => boolean,
): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return !same(this.props as P, next);
    }
    render() {
      return createElement(Inner, this.props as P);
    }
  } as unknown as ComponentType<P>;
}
