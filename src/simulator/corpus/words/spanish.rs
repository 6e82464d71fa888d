//! Spanish.

use super::{Menu, Topic, Words};

pub(super) const WORDS: Words = Words {
    hello: &[
        "Hola",
        "¡Buenos días!",
        "Buenas, ¿hay alguien?",
        "Hola, una consulta",
    ],
    welcome: &[
        "¡Hola! Gracias por escribirnos, ¿en qué puedo ayudarle?",
        "Buenos días, soy {name} de atención al cliente.",
    ],
    topics: [
        Topic {
            ask: &["¿Tienen {item} en azul?", "¿Queda {item} en la talla M?"],
            answer: &[
                "Un momento, por favor, consulto el almacén.",
                "Sí, nos quedan {days} unidades en la tienda del centro.",
            ],
            follow: &["¿Me puede reservar una?", "¿Cuánto cuesta?"],
            resolve: &[
                "Reservado a su nombre hasta mañana a las 20:00.",
                "Son {amount} € con envío.",
            ],
        },
        Topic {
            ask: &[
                "¿Dónde está mi pedido {order}? Tenía que llegar hace {days} días",
                "El pedido {order} sigue «en preparación»",
            ],
            answer: &["Disculpe la espera. El pedido {order} salió ayer de nuestro almacén."],
            follow: &[
                "¿Pueden entregarlo por la tarde?",
                "¿Me pasa el número de seguimiento?",
            ],
            resolve: &["Claro: SF{order}. Llegará en un plazo de {days} días."],
        },
        Topic {
            ask: &[
                "Quiero un reembolso del pedido {order}, llegó roto",
                "¿Cómo pido la devolución? Me llegó otro artículo: {item}",
            ],
            answer: &[
                "Lo siento mucho. ¿Podría enviarnos una foto, por favor?",
                "He abierto la solicitud de reembolso por {amount} €.",
            ],
            follow: &["¿Cuánto tarda el reembolso?"],
            resolve: &["El reembolso de {amount} € llegará a su tarjeta en {days} días hábiles."],
        },
        Topic {
            ask: &["¿Puedo cambiar la talla? Me queda pequeño"],
            answer: &["Por supuesto, tiene {days} días desde la entrega para cambiarlo."],
            follow: &["¿Se puede cambiar en tienda?"],
            resolve: &["Sí, gratis en cualquier tienda con el recibo {order}."],
        },
        Topic {
            ask: &["¿A qué hora abren el domingo?", "¿Abren en festivos?"],
            answer: &["Los domingos y festivos abrimos de 11:00 a 20:00."],
            follow: &["¿Hay aparcamiento?"],
            resolve: &["Sí, dos horas gratis con compras superiores a {amount} €."],
        },
        Topic {
            ask: &[
                "Me han cobrado dos veces el pedido {order}",
                "No me deja pagar, da error",
            ],
            answer: &["Voy a revisar el pago de {order}. ¿Qué tarjeta utilizó?"],
            follow: &["La Visa que acaba en 42"],
            resolve: &["Uno de los cargos es una retención; el banco lo libera en {days} días."],
        },
    ],
    chatter: &[
        "vale",
        "Ok",
        "👍",
        "un segundo",
        "Entendido, muchas gracias por la explicación",
    ],
    thanks: &[
        "¡Muchas gracias!",
        "Genial, gracias 🙏",
        "Perfecto, que tenga buen día",
    ],
    bye: &[
        "A usted, {name}. ¿Algo más en lo que pueda ayudarle?",
        "¡Que tenga un buen día! 😊",
    ],
    items: &[
        "la camisa de lino",
        "el chubasquero",
        "el bolso de lona",
        "la bufanda de lana",
    ],
    names: &["Lucía", "Íñigo", "María José", "Andrés"],
    menu: Menu {
        question: "¡Bienvenido a Harbour Goods! ¿Qué necesita?",
        options: ["Mi pedido", "Reembolso o cambio", "Hablar con una persona"],
    },
    branches: Menu {
        question: "Elija una tienda",
        options: ["Centro", "Estación", "Aeropuerto"],
    },
    template: "Hola {{1}}, su pedido {{2}} ha salido y llegará en {{3}} días.",
    notice: "Estimado/a {name}:\n\nGracias por su paciencia. Hemos consultado el pedido {order} con el almacén y con el transportista. El paquete nos fue devuelto porque no había nadie en casa en el segundo intento. Podemos enviarlo de nuevo sin coste o reembolsarle {amount} € en {days} días hábiles. Díganos qué prefiere.\n\nUn saludo,\nAtención al cliente de Harbour Goods",
    captions: &["la parte rota", "el recibo"],
};
