import type { Language } from "../profile/index.ts";

/** One place of the body where something can be put on. */
export interface Zone {
  id: string;
  kind: "clothing" | "accessory";
  title: Record<Language, string>;
  /** What the model is told to change, and only that. */
  change: string;
  /** How the item has to sit there. */
  fit: string;
}

const clothing = (id: string, ru: string, en: string, change: string, fit: string): Zone => ({
  id,
  kind: "clothing",
  title: { ru, en },
  change,
  fit,
});
const accessory = (id: string, ru: string, en: string, change: string, fit: string): Zone => ({
  id,
  kind: "accessory",
  title: { ru, en },
  change,
  fit,
});

/** Every zone, in the order in which people are shown them. The ids are a contract. */
export const ZONES: readonly Zone[] = [
  clothing(
    "top",
    "Верх",
    "Top",
    "the garment on the upper body (shirt, T-shirt, blouse or sweater)",
    "Replace what is worn there; keep the natural length, sleeves and neckline of the new garment, with folds that follow the pose. Leave trousers, skirt and shoes as they are.",
  ),
  clothing(
    "bottom",
    "Низ",
    "Bottom",
    "the garment on the lower body (trousers, jeans, shorts or skirt)",
    "Replace what is worn there from the waist down; keep its real length and cut, with the waistband under the existing top. Leave the upper body and the shoes as they are.",
  ),
  clothing(
    "full_body",
    "Полностью",
    "Full body",
    "the whole outfit (dress, jumpsuit or suit)",
    "Replace the clothes from shoulders to hem with this one outfit, with its real length and silhouette; cover nothing of the face, the hair or the hands.",
  ),
  clothing(
    "outerwear",
    "Верхняя одежда",
    "Outerwear",
    "the outer layer (jacket, coat or cardigan)",
    "Put it over the clothes that are already worn; what shows beneath it stays visible at the collar and the opening. Keep its true volume, fastening and length.",
  ),
  clothing(
    "shoes",
    "Обувь",
    "Shoes",
    "the footwear on both feet",
    "Put the pair on both feet at the same angle as the feet now have, with correct contact and shadow on the ground. If the feet are not in the picture, change nothing else.",
  ),
  accessory(
    "head",
    "Голова",
    "Head",
    "what is worn on the head (hat, cap, beanie or headband)",
    "Set it on the head at the head's own tilt and scale; hair that shows beneath it stays as it is, and it casts a soft shadow on the forehead.",
  ),
  accessory(
    "face",
    "Лицо",
    "Face",
    "what is worn on the face (glasses, sunglasses or mask)",
    "Align it with the eyes and the nose bridge, in perspective; the face behind it stays exactly the same and reflections fit the light of the scene.",
  ),
  accessory(
    "ears",
    "Уши",
    "Ears",
    "the earrings on the visible ears",
    "Hang one on each visible ear lobe at true jewellery scale; hair that covers an ear keeps covering it.",
  ),
  accessory(
    "neck",
    "Шея",
    "Neck",
    "what is worn around the neck (necklace, chain, scarf or tie)",
    "Lay it around the neck following collar bones and collar, with weight and contact shadow; it goes over or under the collar as such an item is worn.",
  ),
  accessory(
    "wrist",
    "Запястье",
    "Wrist",
    "what is worn on the wrist (watch or bracelet)",
    "Fasten it around the more visible wrist at true scale, wrapped in perspective; sleeves stay as they are.",
  ),
  accessory(
    "hand",
    "Рука",
    "Hand",
    "what is worn on the hand (ring or gloves)",
    "Put it on the more visible hand at true scale; the number, shape and pose of the fingers must not change.",
  ),
  accessory(
    "waist",
    "Пояс",
    "Waist",
    "what is worn around the waist (belt or waist bag)",
    "Run it around the waist over the clothes, following folds and perspective, with the buckle where it belongs.",
  ),
  accessory(
    "bag",
    "Сумка",
    "Bag",
    "the bag that is carried (handbag, backpack or shoulder bag)",
    "Hang it from the shoulder or the nearer hand without changing the pose, with a strap that lies on the clothes and a believable size.",
  ),
];

/** The zone with this id, or undefined. */
export function zoneById(id: string): Zone | undefined {
  return ZONES.find((zone) => zone.id === id);
}
