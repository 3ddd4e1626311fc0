import { expect, it } from "vitest";
import { fieldChanges } from "./field-changes";

it("reads the changed fields of a model, also in nested objects", () => {
  expect(fieldChanges({ email: { previous_value: null, new_value: "x" }, users: { add: [1] }, odd: 3 })).toEqual([
    { field: "email", before: null, after: "x" },
    { field: "users", relation: [{ kind: "add", members: [1] }] },
    { field: "odd", after: 3 },
  ]);
  expect(fieldChanges("none")).toEqual([]);
  expect(
    fieldChanges({
      a: { previous_value: { x: 1 }, new_value: null },
      b: { previous_value: { x: 1 }, new_value: 2 },
      c: { previous_value: {}, new_value: null },
    }),
  ).toEqual([
    { field: "a.x", before: 1, after: undefined },
    { field: "b", before: { x: 1 }, after: 2 },
    { field: "c", before: {}, after: null },
  ]);
  const nested = {
    previous_value: { a: { x: 1, y: 2 }, b: 3 },
    new_value: { a: { x: 1, y: 5, z: { deep: [1] } }, b: 3 },
  };
  expect(fieldChanges({ attributes: nested })).toEqual([
    { field: "attributes.a.y", before: 2, after: 5 },
    { field: "attributes.a.z.deep", before: undefined, after: [1] },
  ]);
});
