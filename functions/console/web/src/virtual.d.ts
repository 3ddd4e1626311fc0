declare module "virtual:world" {
  /** The `d` of an SVG path, in the units of `MAP`. */
  const land: string;
  export default land;
}
