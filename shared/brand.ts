/** Makes a type that only its own constructor can produce, so that numbers and texts of different meaning never mix. */
declare const brand: unique symbol;

export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
