//! English.

use super::{Menu, Topic, Words};

pub(super) const WORDS: Words = Words {
    hello: &[
        "Hi",
        "Hello!",
        "Hey, anyone there?",
        "Good morning",
        "Hi, quick question",
    ],
    welcome: &[
        "Hello, thanks for contacting us! How can I help?",
        "Good day! This is {name} from customer service.",
        "Hi there 👋 what can I do for you today?",
    ],
    topics: [
        Topic {
            ask: &[
                "Is the {item} still in stock?",
                "Do you have the {item} in size M?",
                "I saw the {item} on your site, is it available in blue?",
            ],
            answer: &[
                "Let me check the warehouse for you, one moment please.",
                "Yes, we have {days} pieces of the {item} left at the Central branch.",
                "The {item} is sold out online, but two shops still have it.",
            ],
            follow: &[
                "Can you keep one for me?",
                "How much is it?",
                "And in black?",
            ],
            resolve: &[
                "I have reserved it under your phone number until tomorrow 8 pm.",
                "It is {amount} dollars, shipping included.",
            ],
        },
        Topic {
            ask: &[
                "Where is my order {order}? It should have been here {days} days ago.",
                "Hi, order {order} still says \"processing\".",
                "My parcel has not arrived yet. Order number {order}",
            ],
            answer: &[
                "Sorry about the wait! Order {order} left our warehouse yesterday.",
                "I see {order} is with the courier, who tried to deliver at 11:40 today.",
            ],
            follow: &[
                "Can it come after 6 pm?",
                "Could you give me the tracking number?",
            ],
            resolve: &[
                "The courier will come again tomorrow between 18:00 and 21:00.",
                "Here it is: SF{order}. You should receive it within {days} days.",
            ],
        },
        Topic {
            ask: &[
                "I would like a refund for order {order}, the {item} is broken",
                "The {item} arrived damaged. I want my money back!!",
                "How do I get a refund? I cancelled {order} last week",
            ],
            answer: &[
                "I am very sorry to hear that. Could you send a photo of the {item}, please?",
                "I have opened a refund request of {amount} dollars for {order}.",
            ],
            follow: &[
                "How long does the refund take?",
                "To which card will it go?",
            ],
            resolve: &[
                "The refund of {amount} dollars goes back to the card you paid with, within {days} working days.",
                "Done: the refund is approved, and you may keep the {item}.",
            ],
        },
        Topic {
            ask: &[
                "Can I exchange the {item} for another size?",
                "The {item} is too small, how do I change it?",
            ],
            answer: &["Of course. Please keep the tag on; you have {days} days from delivery."],
            follow: &["Do I pay the postage?", "Can I do it in a shop?"],
            resolve: &["Exchanges are free in every shop, just bring the receipt {order}."],
        },
        Topic {
            ask: &[
                "What time do you open on Sunday?",
                "Are you open on public holidays?",
            ],
            answer: &["We are open from 11:00 to 20:00 on Sundays and holidays."],
            follow: &["Is there parking nearby?"],
            resolve: &["Yes, two hours are free with a purchase over {amount} dollars."],
        },
        Topic {
            ask: &[
                "My payment failed three times, what is going on?",
                "I was charged twice for {order} ({amount} dollars each)",
            ],
            answer: &["Let me look into the payment of {order}. Which card did you use?"],
            follow: &["Visa, the one ending in 42", "Apple Pay"],
            resolve: &[
                "One of the two charges is only a hold; your bank releases it within {days} days.",
            ],
        },
    ],
    chatter: &[
        "ok",
        "Sure",
        "👍",
        "one sec",
        "Got it, thank you for explaining",
        "hmm 🤔",
    ],
    thanks: &[
        "Thanks a lot!",
        "Great, thank you 🙏",
        "Perfect. Have a nice day!",
        "thx",
    ],
    bye: &[
        "You are welcome, {name}! Anything else I can help with?",
        "My pleasure. Have a lovely day 😊",
    ],
    items: &[
        "linen shirt",
        "rain jacket",
        "canvas bag",
        "running shoes",
        "wool scarf",
    ],
    names: &["Ann", "Marcus", "Priya", "Joe", "O'Brien"],
    menu: Menu {
        question: "Welcome to Harbour Goods! What is it about?",
        options: ["My order", "Refund or exchange", "Talk to a person"],
    },
    branches: Menu {
        question: "Please pick a branch",
        options: ["Central", "Kowloon", "Airport"],
    },
    template: "Hi {{1}}, your order {{2}} has been shipped and should arrive in {{3}} days.",
    notice: "Dear {name},\n\nThank you for your patience. We have checked order {order} with our warehouse and with the courier. The {item} was returned to us because nobody was at home on the second delivery. We can send it again free of charge, or refund {amount} dollars to your card within {days} working days. Please tell us which you prefer.\n\nKind regards,\nHarbour Goods customer service",
    captions: &["the broken part", "receipt", "this one"],
};
