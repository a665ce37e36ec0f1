import jacket from "./samples/jacket.png" with { type: "file" };
import person from "./samples/person.png" with { type: "file" };
import sunglasses from "./samples/sunglasses.png" with { type: "file" };
import tshirt from "./samples/tshirt.png" with { type: "file" };

/** Pictures with clear rights that lie in the program: a portrait and three drawn items. See `samples/README.md`. */
export const SAMPLES: Readonly<Record<"person" | "jacket" | "tshirt" | "sunglasses", string>> = {
  person,
  jacket,
  tshirt,
  sunglasses,
};
